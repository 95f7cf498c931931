import { app, BrowserWindow, Menu, type MenuItemConstructorOptions } from 'electron';
import type { MenuEntry } from '../preload/api';

/**
 * The application menu, made from the page's command table. Accelerators are shown but not registered:
 * the page handles its keys itself, so that each key has one owner.
 */
export function showMenu(entries: readonly MenuEntry[]): void {
  const of = (menu: MenuEntry['menu']): MenuItemConstructorOptions[] =>
    entries.filter((entry) => entry.menu === menu).flatMap(menuItems);
  Menu.setApplicationMenu(
    Menu.buildFromTemplate([
      ...(process.platform === 'darwin' ? [{ role: 'appMenu' as const }] : []),
      { label: '&File', submenu: [...of('File'), { type: 'separator' }, { role: 'quit' }] },
      { role: 'editMenu' },
      { label: '&Run', submenu: of('Run') },
      {
        label: '&View',
        submenu: [
          ...of('View'),
          { type: 'separator' },
          { role: 'resetZoom' },
          { role: 'zoomIn' },
          { role: 'zoomOut' },
          { role: 'togglefullscreen' },
          ...(app.isPackaged ? [] : [{ role: 'toggleDevTools' as const }]),
        ],
      },
      { label: '&Help', submenu: of('Help') },
    ]),
  );
}

function menuItems(entry: MenuEntry): MenuItemConstructorOptions[] {
  const item: MenuItemConstructorOptions = {
    label: entry.title,
    ...(entry.key === undefined ? {} : { accelerator: entry.key }),
    registerAccelerator: false,
    click: () => BrowserWindow.getFocusedWindow()?.webContents.send('app:command', entry.command),
  };
  return entry.separated ? [{ type: 'separator' }, item] : [item];
}
