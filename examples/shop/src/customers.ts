export interface Customer {
  readonly id: string;
  readonly name: string;
  readonly email: string;
}

const names = ['Ada', 'Grace', 'Alan', 'Edsger', 'Barbara', 'Donald', 'Margaret', 'Tony', 'Frances', 'Niklaus'];

/** Replaces the shop's database. */
export const customers: ReadonlyMap<string, Customer> = new Map(
  names.map((name, index) => [`u${index}`, { id: `u${index}`, name, email: `${name.toLowerCase()}@shop.example` }]),
);
