-- Further argument: the id.
return answer(ARGV[3], find(ARGV[3]))
