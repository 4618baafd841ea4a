package recommend
