-- Further argument: the id.
return told(find(ARGV[3]))
