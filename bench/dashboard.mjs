// The dashboard under load: how long each page takes, what a sample costs the server, the longest command, and memory.
//
//   node bench/dashboard.mjs [redis,rabbitmq]
//
// Redis: a million ready messages, a million dead letters, a thousand queues. RabbitMQ: 200 queues, 20,000 dead letters, and
// `brokkr dead retry ID` beside ten open pages. BROKKR_BENCH_COUNT=100000 BROKKR_BENCH_QUEUES=100 is shorter.
const only = process.argv[2]?.split(',') ?? ['redis', 'rabbitmq'];
for (const name of only) await (await import(`./dashboard-${name}.mjs`)).run();
process.exit(0);
