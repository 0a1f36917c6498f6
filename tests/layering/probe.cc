// SPDX-License-Identifier: MIT
// Never built: its target only carries the include folders of a room.
