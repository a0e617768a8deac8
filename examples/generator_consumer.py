"""One process makes numbers, another works with them; a queue lies between.

Neither function imports anything of Dragon: the queue comes as an argument.
"""

import random


def data_generator(numbers, count):
    """Puts `count` random numbers."""
    for _ in range(count):
        number = random.randrange(100)
        print(f"generator feeding {number} to consumer", flush=True)
        numbers.put(number)


def data_consumer(numbers, count):
    """Gets `count` numbers and says what twice each of them is."""
    for _ in range(count):
        number = numbers.get()
        print(f"consumer computed result {number * 2} from input {number}", flush=True)
