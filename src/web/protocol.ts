/** What the page and its worker say to each other: requests of the API and their answers, as data. */

export interface WorkerRequest {
  readonly id: number;
  readonly url: string;
  readonly headers: [string, string][];
  readonly body: ArrayBuffer;
}

/** The request of this id is no longer wanted. */
export interface WorkerAbort {
  readonly abort: number;
}

export interface WorkerAnswer {
  readonly id: number;
  readonly status: number;
  readonly headers: [string, string][];
  readonly body: ArrayBuffer;
}
