/** RabbitMQ refused to open the virtual host. The message is the server's own text. */
export class OpenRefusedError extends Error {}
