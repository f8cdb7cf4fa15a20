"""Some real molecules for tests."""

DRUGS = {
    "aspirin": "CC(=O)Oc1ccccc1C(=O)O",
    "caffeine": "Cn1cnc2c1c(=O)n(C)c(=O)n2C",
    "ethanol": "CCO",
    "ibuprofen": "CC(C)Cc1ccc(cc1)C(C)C(=O)O",
    "paracetamol": "CC(=O)Nc1ccc(O)cc1",
    "nitrobenzene": "O=[N+]([O-])c1ccccc1",
    "chloral": "ClC(Cl)(Cl)C=O",
    "sulfanilamide": "Nc1ccc(cc1)S(N)(=O)=O",
}
