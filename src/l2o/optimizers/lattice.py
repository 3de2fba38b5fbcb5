"""Lattices: a short basis, and all points within a distance of a place.

Both in double precision, for the few dimensions of the Rastrigin family. The libraries for it
(fpylll, NTL's bindings) bring a C++ tool chain and arithmetic of any precision along.
"""

from __future__ import annotations

import numpy as np

SHORT = 0.99  # Lovász' constant: the nearer to 1, the shorter the basis


def reduced_basis(B: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return a basis of short, nearly orthogonal columns, B U, and the integers U (n, n) int64.

    U has determinant 1 or -1, so that both bases give the same lattice {B z : z integer}.

    Source: Lenstra, Lenstra & Lovász 1982, on the triangular factor as in Nguyen & Vallée 2010.

    Parameters
    ----------
    B : a basis, one vector a column, (n, n), regular
    """
    U, R, k = np.eye(B.shape[1], dtype=np.int64), np.linalg.qr(B)[1], 1
    while k < len(U):
        for j in range(k - 1, -1, -1):
            times = np.rint(R[j, k] / R[j, j])
            R[:, k] -= times * R[:, j]
            U[:, k] -= int(times) * U[:, j]
        if R[k, k] ** 2 + R[k - 1, k] ** 2 >= SHORT * R[k - 1, k - 1] ** 2:
            k += 1
            continue
        U[:, [k - 1, k]] = U[:, [k, k - 1]]
        R = np.linalg.qr(B @ U)[1]
        k = max(k - 1, 1)
    return B @ U, U


def points_within(
    B: np.ndarray, target: np.ndarray, square: float, limit: int
) -> tuple[np.ndarray | None, int]:
    """Return all integers z with ||B z - target||^2 <= square, (points, n) float64, nearest first.

    The search fixes the last entry of z, then the one before, and keeps at each level what may
    still be near enough; ``visited`` counts all that it kept. A reduced basis makes that little.

    Source: Fincke & Pohst 1985, level by level.

    Parameters
    ----------
    B : basis, (n, n), regular
    target : (n,)
    square : of the distance, at least 0
    limit : where more than that would be visited, the search gives up

    Returns
    -------
    points : None where the search gave up
    visited : number of partial points that were looked at
    """
    Q, R = np.linalg.qr(B)
    turned, n = Q.T @ target, len(target)
    z, used, visited = np.zeros((1, n)), np.zeros(1), 0
    for i in range(n - 1, -1, -1):
        centre = (turned[i] - z[:, i + 1 :] @ R[i, i + 1 :]) / R[i, i]
        half = np.sqrt(np.maximum(square - used, 0.0)) / abs(R[i, i])
        first = np.ceil(centre - half)
        count = np.maximum(np.floor(centre + half) - first + 1.0, 0.0)
        visited += int(min(count.sum(), 2**62))
        if visited > limit:
            return None, visited
        count = count.astype(np.int64)
        parent = np.repeat(np.arange(len(z)), count)
        number = np.arange(len(parent)) - np.repeat(count.cumsum() - count, count)
        z = z[parent]
        z[:, i] = first[parent] + number
        used = used[parent] + (R[i, i] * (z[:, i] - centre[parent])) ** 2
    return z[np.argsort(used, kind="stable")], visited
