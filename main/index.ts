import { app } from 'electron';
import { registerAppScheme, serveApp } from './protocol';
import { openWindow } from './window';

registerAppScheme();
app.on('window-all-closed', () => app.quit());

// Not `await app.whenReady()`: Electron waits for this module before it is ready, so that would never end.
void app.whenReady().then(async () => {
  serveApp();
  await openWindow();
});
