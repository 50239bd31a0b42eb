/** A broker or store that waits for its server for as long knows better what is wrong: it is let to tell first. */
export const ANSWER_GRACE_MS = 250;
