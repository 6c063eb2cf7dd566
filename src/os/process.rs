//! Processes: how they start, how they are found again, how they end for good.
