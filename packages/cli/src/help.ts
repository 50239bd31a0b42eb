import type { Command } from 'commander';

/** Adds a command `help` that refuses unknown names. Commander's own one prints the whole help instead, and no error. */
export function addHelp(group: Command): void {
  group
    .helpCommand(false)
    .command('help')
    .description('display help for command')
    .argument('[command...]', 'its name')
    .action(async (names: readonly string[]) => {
      let asked = group;
      for (const name of names) {
        const next = asked.commands.find((each) => each.name() === name);
        // Calling an unknown command reports it, with the nearest name.
        if (next === undefined && asked.commands.length > 0) await asked.parseAsync([name], { from: 'user' });
        asked = next ?? asked;
      }
      asked.help();
    });
}
