"""The stream of chance of src/noise.rs, written anew: ChaCha with 8 rounds, and normal numbers by Box and Muller.

The golden files need the same noise on both sides. Taking it from our own program would let a fault of ours into both.
"""

import math

MASK = 0xFFFFFFFF


def pcg32(state):
    """One 32-bit word and the next state; how a 64-bit seed becomes the 256 bits of a key (rand_core's seed_from_u64)."""
    state = (state * 0x5851F42D4C957F2D + 0xA17654E46FBE17F3) & (2**64 - 1)
    mixed = (((state >> 18) ^ state) >> 27) & MASK
    turn = state >> 59
    return state, ((mixed >> turn) | (mixed << (32 - turn))) & MASK


def quarter(words, a, b, c, d):
    for one, other, third, turn in ((a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)):
        words[one] = (words[one] + words[other]) & MASK
        mixed = words[third] ^ words[one]
        words[third] = ((mixed << turn) | (mixed >> (32 - turn))) & MASK


def block(key, counter, stream):
    """RFC 8439's block function with 8 rounds, a 64-bit counter and a 64-bit stream."""
    start = [0x61707865, 0x3320646E, 0x79622D32, 0x6B206574, *key]
    start += [counter & MASK, counter >> 32, stream & MASK, stream >> 32]
    words = list(start)
    for _ in range(4):
        for column in range(4):
            quarter(words, column, 4 + column, 8 + column, 12 + column)
        for column in range(4):
            quarter(words, column, 4 + (column + 1) % 4, 8 + (column + 2) % 4, 12 + (column + 3) % 4)
    return [(word + begun) & MASK for word, begun in zip(words, start)]


class Noise:
    def __init__(self, seed, purpose=0):
        self.key, state = [], seed
        for _ in range(8):
            state, word = pcg32(state)
            self.key.append(word)
        self.purpose, self.counter, self.words, self.spare = purpose, 0, [], None

    def bits(self):
        if not self.words:
            self.words = block(self.key, self.counter, self.purpose)[::-1]
            self.counter += 1
        low = self.words.pop()
        return low | (self.words.pop() << 32)

    def unit(self):
        return (self.bits() >> 11) / 2**53

    def normal(self):
        if self.spare is not None:
            spare, self.spare = self.spare, None
            return spare
        radius = math.sqrt(-2.0 * math.log(1.0 - self.unit()))
        angle = math.tau * self.unit()
        self.spare = radius * math.sin(angle)
        return radius * math.cos(angle)

    def below(self, count):
        return (self.bits() * count) >> 64


assert [Noise(7).bits()] == [2_910_824_217_569_608_635], "the first number that src/noise.rs draws for seed 7"
