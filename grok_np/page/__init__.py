"""One HTML file in which a run moves through its training: ``python -m grok_np.page runs/NAME``, see `build`.

Read next: `gradcheck`.
"""
