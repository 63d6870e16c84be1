/// Where the resource gate's readings come from: a UPS, the machine's sensors, measuring services
/// on the site's own network, calendars and files. Nothing of the site is in what they ask.
@NullMarked
package dev.comity.agent.resources.source;

import org.jspecify.annotations.NullMarked;
