// A bare window that shows the page whose address is the last argument.
const { app, BrowserWindow } = require('electron');

void app.whenReady().then(() => {
  const window = new BrowserWindow({ width: 1000, height: 700 });
  return window.loadURL(process.argv.at(-1));
});
