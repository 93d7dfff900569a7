"""The engine: how a run or a question reaches a worker process, and how it is ended there.

    client      what a page or script calls: submit, ask, stop, status
    reconcile   the watchman: resends what the scheduler forgot, enforces stops, ends what is silent
    host        the engine on one machine: a detached process with a scheduler and its workers
    worker      what runs inside a worker: execute (a run) and answer (a question)
    deaths      who died while carrying what, and of what: only what somebody saw
    looks       how long something has not changed, by one's own clock
    rest        a worker that has grown and has nothing to do makes room for a light one
    jobs        which function trains a kind of run or answers a question
    door        the port and the address, before the server starts
    lifecycle   start and stop with the web server

The store (`cnn_core.store.runs`) holds all state. Dask places, runs and kills; it forgets without harm. Nothing here
imports TensorFlow: only a job or a question does, inside its worker.
"""
