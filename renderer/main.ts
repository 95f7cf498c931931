import '@fontsource-variable/inter/wght.css';
import '@fontsource-variable/jetbrains-mono/wght.css';
import '@vscode/codicons/dist/codicon.css';
import '@xterm/xterm/css/xterm.css';
import 'dockview-vue/dist/styles/dockview.css';
import { createPinia } from 'pinia';
import { createApp } from 'vue';
import App from './App.vue';
import { receivePorts } from './machine-client';
import './theme/tokens.css';
import './theme/base.css';
import './theme/dock.css';

receivePorts();
createApp(App).use(createPinia()).mount('#app');
