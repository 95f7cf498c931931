import type { HartscopeApi } from '../preload/api';

declare global {
  interface Window {
    readonly hartscope: HartscopeApi;
  }
}
