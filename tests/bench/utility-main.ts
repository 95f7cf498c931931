// Entry of the bench's Electron: no window, one utility process, which is told the socket's path.
import { app, utilityProcess } from 'electron';
import { join } from 'node:path';

function start(): void {
  const path = app.commandLine.getSwitchValue('socket');
  utilityProcess
    .fork(join(import.meta.dirname, 'utility-guests.js'), [path], { serviceName: 'bench' })
    .on('exit', () => app.quit());
}

// Not awaited: the app is ready only after this module has been evaluated.
void app.whenReady().then(start);
