/// REST for runs: what researchers ask for and what everybody may read.
@NullMarked
package dev.comity.run.web;

import org.jspecify.annotations.NullMarked;
