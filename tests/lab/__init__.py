# SPDX-License-Identifier: Apache-2.0
"""The laboratory: real servers on loopback for the demo and the system tests."""
