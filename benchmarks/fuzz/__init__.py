"""Bad input by the thousand: valid files mutated, odd words on the command line, odd job specs."""
