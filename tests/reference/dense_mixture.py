"""A Gaussian mixture written out: whole covariance matrices, one mode and one sample at a time."""

import math

import numpy as np
from scipy.fft import idctn
from scipy.special import logsumexp
from scipy.stats import multivariate_normal


def covariance(variances, num_channels):
    """``U diag(variances) U^T`` as a matrix over all elements, channels alike."""
    axes = variances.shape
    basis = np.stack(
        [idctn(unit.reshape(axes), norm="ortho").ravel() for unit in np.eye(math.prod(axes))],
        axis=1,
    )
    one = basis @ np.diag(variances.ravel()) @ basis.T
    return np.kron(np.eye(num_channels), one)


class DenseMixture:
    """Weights, means ``(k, c, *axes)`` and per-mode coefficient variances ``(k, *axes)``."""

    def __init__(self, weights, means, variances):
        self.log_weights = np.log(np.asarray(weights) / np.sum(weights))
        self.means = means.reshape(len(means), -1)
        self.covariances = [covariance(one, means.shape[1]) for one in variances]

    def noised(self, alpha, sigma):
        """Mean and covariance of each mode of ``alpha x + sigma eps``."""
        identity = np.eye(self.means.shape[1])
        for mean, cov in zip(self.means, self.covariances, strict=True):
            yield alpha * mean, alpha**2 * cov + sigma**2 * identity

    def mode_log_probs(self, z, alpha, sigma):
        return np.array(
            [
                log_weight + multivariate_normal(mean, cov).logpdf(z.ravel())
                for log_weight, (mean, cov) in zip(
                    self.log_weights, self.noised(alpha, sigma), strict=True
                )
            ]
        )

    def log_prob(self, z, alpha, sigma):
        return logsumexp(self.mode_log_probs(z, alpha, sigma))

    def clean_and_noise(self, z, alpha, sigma):
        """``E[x | z]`` and ``E[eps | z]`` by conditioning the joint Gaussian of each mode."""
        logs = self.mode_log_probs(z, alpha, sigma)
        weights = np.exp(logs - logsumexp(logs))
        clean, noise = np.zeros(z.size), np.zeros(z.size)
        modes = zip(weights, self.means, self.covariances, self.noised(alpha, sigma), strict=True)
        for weight, mean, cov, (noised_mean, noised_cov) in modes:
            rest = np.linalg.solve(noised_cov, z.ravel() - noised_mean)
            clean += weight * (mean + alpha * cov @ rest)
            noise += weight * sigma * rest
        return clean.reshape(z.shape), noise.reshape(z.shape)
