"""Images as bits: really written, and really read back.

`stream` is the container; `bits_back` codes binarised images with a VAE, `grid` an image's codebook entries with an
autoregressive prior, `linear` quantised coefficients of PCA, `files` are PNG, WebP and JPEG. Whatever does not read
back exactly raises `CorruptStream`.

**Both sides must expect exactly the same.** An entropy coder inverts whole numbers, and one probability that differs
in its last bit makes everything behind it wrong. So (1) encoder and decoder compute a network's outputs by the same
numpy program, in the same order and in batches of the same shape, since a matrix product of another shape may add in
another order; (2) constriction turns probabilities into whole multiples of 2^-24 that sum to 1 exactly; (3) a
checksum of the decoded content lies at the bottom of the stack, so that a decoder whose arithmetic differs after all,
on another kind of processor, says so instead of showing a wrong image. Only networks of whole numbers (Ballé et al.
2019) would need no such care.
"""
