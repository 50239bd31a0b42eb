export { writeLetters } from './batch.ts';
export { cleanUp, countStock } from './housekeeping.ts';
export { sendResetLink, sendWelcomeEmail } from './mail.ts';
export { tm } from './manager.ts';
export { chargeCustomer } from './payment.ts';
export { generateReport } from './report.ts';
export { indexProduct } from './search.ts';
export { renderVideo, shipOrder, syncInventory } from './trouble.ts';
