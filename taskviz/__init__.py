"""taskviz: which tasks should be trained together, given that I can afford b models?"""
