/// Files that outlive a power cut, and the few operations of a disk that they need.
@NullMarked
package dev.comity.storage;

import org.jspecify.annotations.NullMarked;
