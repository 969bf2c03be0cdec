import pytest

from mmvg.serving.models import model_names


def test_a_model_is_called_by_its_file_or_as_one_says():
    assert model_names(['runs/a/best.pth', 'rings=runs/b/best.pth', 'models/cups', 'lggd/refshapes']) == {
        'best': 'runs/a/best.pth',
        'rings': 'runs/b/best.pth',
        'cups': 'models/cups',
        'refshapes': 'lggd/refshapes',
    }
    assert model_names(['runs/lr=0.1/last.pth']) == {'last': 'runs/lr=0.1/last.pth'}


def test_two_models_of_one_name_have_to_be_named():
    with pytest.raises(ValueError, match=r"two models are called 'last'; name them: mmvg serve first=a/last.pth"):
        model_names(['a/last.pth', 'b/last.pth'])
