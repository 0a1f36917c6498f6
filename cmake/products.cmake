# SPDX-License-Identifier: MIT
# What is built for users: the `baton` program and the two libraries.
