"""A pipeline of three queues that survives the crashes of its workers.

    source --numbers--> sieve (several) --primes--> twins --pairs--> report

The source also puts a few "accidents" into a fourth queue. A sieve that finds one there crashes,
*before* it takes the next number: nothing is in its hands, so nothing is lost, and the rank that
is started again in its place goes on where it stopped. Crashing between a `get` and the `put` that
follows would lose the number; a real worker that may die there has to put it back first.

The end of the stream is a `None` for every sieve, and one `None` from every sieve to the next stage.
"""

import queue


def source(numbers, accidents, limit, sieves, crashes):
    """All numbers below `limit`, with `crashes` accidents strewn evenly among them."""
    every = limit // (crashes + 1)
    for number in range(2, limit):
        if number % every == 0 and number // every <= crashes:
            accidents.put(f"at {number}")
        numbers.put(number)
    for _ in range(sieves):
        numbers.put(None)
    print(f"source: {limit - 2} numbers and {crashes} accidents", flush=True)


def sieve(numbers, accidents, primes):
    """Lets primes through."""
    seen = 0
    while True:
        try:
            accident = accidents.get_nowait()
        except queue.Empty:
            pass
        else:
            raise RuntimeError(f"accident {accident}, after {seen} numbers in this life")
        number = numbers.get()
        if number is None:
            break
        seen += 1
        if all(number % divisor for divisor in range(2, int(number**0.5) + 1)):
            primes.put(number)
    primes.put(None)
    print(f"sieve: done, {seen} numbers in this life", flush=True)


def twins(primes, pairs, sieves):
    """Pairs of primes that differ by two. The sieves deliver out of order, so it remembers all."""
    known = set()
    while sieves:
        prime = primes.get()
        if prime is None:
            sieves -= 1
            continue
        known.add(prime)
        for other in (prime - 2, prime + 2):
            if other in known:
                pairs.put((min(prime, other), max(prime, other)))
    pairs.put(len(known))
    pairs.put(None)


def report(pairs, limit):
    """Counts, and fails unless every prime below `limit` has come through."""
    found, primes = [], 0
    while (item := pairs.get()) is not None:
        if isinstance(item, int):
            primes = item
        else:
            found.append(item)
    expected = sum(all(n % d for d in range(2, int(n**0.5) + 1)) for n in range(2, limit))
    print(f"report: the last pair is {max(found)}", flush=True)
    print(f"report: {primes} primes below {limit}, {len(found)} pairs of twins", flush=True)
    if primes != expected:
        raise SystemExit(f"report: {expected} primes were expected, something was lost")
    print("report: nothing was lost", flush=True)
