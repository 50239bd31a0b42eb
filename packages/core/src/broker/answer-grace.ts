/**
 * Additional time for an answer, in milliseconds. A broker or store that waits equally long for its server has the more
 * precise error, so its error comes first.
 */
export const ANSWER_GRACE_MS = 250;
