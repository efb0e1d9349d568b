"""The page in which a run moves through its training: ``python -m grok_np.page runs/NAME``, see `explorer`.

Read next: `gradcheck`.
"""
