# SPDX-License-Identifier: Apache-2.0
"""Grammar-based fuzzing of the control plane: DOE, records, SPDM, IDE_KM and TDISP."""
