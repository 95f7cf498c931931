import { contextBridge } from 'electron';
import type { HartscopeApi } from './api';

const api: HartscopeApi = {
  versions: {
    electron: process.versions.electron,
    chrome: process.versions.chrome,
  },
};

contextBridge.exposeInMainWorld('hartscope', api);
