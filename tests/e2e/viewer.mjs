// A bare window that shows the page whose address is the last argument.
import { app, BrowserWindow } from 'electron';

void app.whenReady().then(() => {
  const window = new BrowserWindow({ width: 1000, height: 700 });
  return window.loadURL(process.argv.at(-1) ?? '');
});
