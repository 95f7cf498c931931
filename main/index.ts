import { app, BrowserWindow } from 'electron';
import { answerPages, endMachinesOf, reportExit } from './ipc';
import { MachinePool } from './machine-pool';
import { registerAppScheme, serveApp } from './protocol';
import { applyTheme } from './settings';
import { denyPermissions, openWindow } from './window';

registerAppScheme();
app.on('window-all-closed', () => app.quit());

// Not `await app.whenReady()`: Electron waits for this module before it is ready, so that would never end.
void app.whenReady().then(async () => {
  const pool = new MachinePool(reportExit);
  app.on('will-quit', () => pool.close());
  app.on('web-contents-created', (_event, contents) => {
    contents.once('destroyed', () => endMachinesOf(pool, contents));
  });
  app.on('activate', () => {
    if (BrowserWindow.getAllWindows().length === 0) void openWindow();
  });
  // The first machine warms up while the page loads.
  pool.warm();
  applyTheme();
  denyPermissions();
  serveApp();
  answerPages(pool);
  await openWindow();
});
