"""Hand in something that is no text: a pickle that would run a command when it is loaded."""

# expect: refused
import os
import pickle


class Command:
    def __reduce__(self):
        return os.system, ("touch /tmp/owned",)


with open("submission.csv", "wb") as file:
    file.write(pickle.dumps(Command()) + bytes(range(256)))
