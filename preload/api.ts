/** What the page gets from Electron as `window.hartscope`. Kept apart from the script, so that the page sees no Electron types. */
export interface HartscopeApi {
  readonly versions: { readonly electron: string; readonly chrome: string };
}
