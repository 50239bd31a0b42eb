import { defineConfig } from 'vite';

/**
 * Builds the page into `dist/page` of the package. `base: './'` keeps every address relative to the page: a proxy may
 * serve it under any prefix. Nothing is inlined, because the content security policy forbids it.
 */
export default defineConfig({
  root: import.meta.dirname,
  base: './',
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  build: {
    outDir: '../dist/page',
    emptyOutDir: true,
    assetsDir: 'assets',
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    target: 'es2023',
    reportCompressedSize: true,
  },
});
