import type { Command } from 'commander';

/** Commander's own `help` prints all it has, and no error, for a name that is none. */
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
        // As if it had been called: a group runs nothing by itself, and says which name was meant.
        if (next === undefined && asked.commands.length > 0) await asked.parseAsync([name], { from: 'user' });
        asked = next ?? asked;
      }
      asked.help();
    });
}
