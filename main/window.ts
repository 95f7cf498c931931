import { BrowserWindow, nativeTheme, session } from 'electron';
import { PRELOAD } from './paths';
import { APP_ORIGIN } from './protocol';
import { rememberPlace, savedPlace } from './settings';

/** `npm run dev` serves the page with hot reload. */
const PAGE = process.env.ELECTRON_RENDERER_URL ?? `${APP_ORIGIN}/index.html`;

/** Whether a frame's URL is the app's own page. */
export const isOwnPage = (url: string): boolean => {
  const { protocol, host } = new URL(url);
  const own = new URL(PAGE);
  return protocol === own.protocol && host === own.host;
};

/** The pages need no permission (camera, location, notifications …); clipboard writing is what copying needs. */
export function denyPermissions(): void {
  session.defaultSession.setPermissionRequestHandler((_contents, permission, decide) =>
    decide(permission === 'clipboard-sanitized-write'),
  );
  session.defaultSession.setPermissionCheckHandler(
    (_contents, permission) => permission === 'clipboard-sanitized-write',
  );
}

/** Opens a window and waits until its page is loaded. */
export async function openWindow(): Promise<BrowserWindow> {
  // A further window stands beside the others, not on top of the place that one of them has.
  const place = BrowserWindow.getAllWindows().length === 0 ? savedPlace() : null;
  const window = new BrowserWindow({
    title: 'Hartscope',
    width: 1440,
    height: 900,
    ...place?.bounds,
    minWidth: 800,
    minHeight: 500,
    show: false,
    backgroundColor: nativeTheme.shouldUseDarkColors ? '#16181d' : '#f6f7f9',
    webPreferences: {
      preload: PRELOAD,
      sandbox: true,
      contextIsolation: true,
      nodeIntegration: false,
      webviewTag: false,
      spellcheck: false,
    },
  });
  if (place?.maximized) window.maximize();
  rememberPlace(window);
  window.once('ready-to-show', () => window.show());
  // The page is all there is: nothing in it may lead elsewhere or open further windows.
  window.webContents.on('will-navigate', (event) => event.preventDefault());
  window.webContents.on('will-attach-webview', (event) => event.preventDefault());
  window.webContents.setWindowOpenHandler(() => ({ action: 'deny' }));
  await window.loadURL(PAGE);
  return window;
}
