"""Put a pipe where the submission should be, so that its reader waits for ever."""

# expect: refused
import os

os.mkfifo("submission.csv")
