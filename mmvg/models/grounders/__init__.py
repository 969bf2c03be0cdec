from mmvg.models.grounders.grounder import Grounder

__all__ = ['Grounder']
