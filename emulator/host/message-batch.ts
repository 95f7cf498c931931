/**
 * Messages of one turn of the event loop, sent as one: what a stop makes a machine say reaches the window together,
 * and the window draws it once. Each message on its way passes two processes and a thread.
 */
export class MessageBatch {
  private messages: unknown[] = [];

  /** @param send takes the messages in the order in which they were added */
  constructor(private readonly send: (messages: readonly unknown[]) => void) {}

  add(message: unknown): void {
    this.messages.push(message);
    if (this.messages.length === 1) setImmediate(() => this.flush());
  }

  private flush(): void {
    const { messages } = this;
    this.messages = [];
    this.send(messages);
  }
}
