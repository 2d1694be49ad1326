// Element Plus for the pages at a desk; the phone's page does not load it.
import 'element-plus/dist/index.css';
import 'element-plus/theme-chalk/dark/css-vars.css';
