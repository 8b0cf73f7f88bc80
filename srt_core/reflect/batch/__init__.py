"""Reflect by a teacher's Batch API: hand requests over, fetch what has ended.

    run         the loop: fetch, judge what came, send what is missing
    session     what fetching and sending share
    fetching    poll the open batches, store the answers of those that ended
    sending     upload requests and create batches
    budget      what the caps leave for a batch
    stored      batches and campaigns in the project file

A batch is stored before it is sent, so that any process can continue with it.
"""
