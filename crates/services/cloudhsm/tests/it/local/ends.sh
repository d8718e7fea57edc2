#!/bin/sh
# Ends at once.
/bin/mkdir -p state
exit 3
