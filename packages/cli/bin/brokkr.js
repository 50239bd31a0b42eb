#!/usr/bin/env node
import { endProcess, main } from '../dist/main.js';

endProcess(await main(process.argv.slice(2)));
