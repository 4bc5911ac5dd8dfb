//! The words of the issuer's own page.

use portvakt_protocol::language::Language;

use super::texts;

texts! {
    /// The texts of the issuer's own page, in one language.
    IssuerTexts

    environment {
        nb: "Miljø",
        nn: "Miljø",
        en: "Environment",
        se: "Biras",
    }
    development_sentence {
        nb: "Dette er et utviklingsmiljø. Bare syntetiske personer kan logge inn her, og alt kan bli borte når som helst.",
        nn: "Dette er eit utviklingsmiljø. Berre syntetiske personar kan logge inn her, og alt kan bli borte når som helst.",
        en: "This is a development environment. Only synthetic persons can log in here, and everything can be gone at any time.",
        se: "Dát lea ovdánahttinbiras. Dušše syntehtalaš olbmot sáhttet čálit sisa dáppe, ja buot sáhttá jávkat goas beare.",
    }
    test_sentence {
        nb: "Dette er et testmiljø. Bare syntetiske personer kan logge inn her.",
        nn: "Dette er eit testmiljø. Berre syntetiske personar kan logge inn her.",
        en: "This is a test environment. Only synthetic persons can log in here.",
        se: "Dát lea teastabiras. Dušše syntehtalaš olbmot sáhttet čálit sisa dáppe.",
    }
    production_sentence {
        nb: "Dette er produksjonsmiljøet. Virkelige personer logger inn her.",
        nn: "Dette er produksjonsmiljøet. Verkelege personar loggar inn her.",
        en: "This is the production environment. Real persons log in here.",
        se: "Dát lea buvttadanbiras. Duohta olbmot čálihit sisa dáppe.",
    }
    service_level {
        nb: "Tjenestenivå",
        nn: "Tenestenivå",
        en: "Service level",
        se: "Bálvalusdássi",
    }
    service_level_development {
        nb: "Ingen garantier: dette er en stedfortreder som kjører på en utviklers egen maskin eller i en byggejobb.",
        nn: "Ingen garantiar: dette er ein stadfortredar som køyrer på ei utviklarmaskin eller i ein byggjejobb.",
        en: "No guarantees: this is a double that runs on a developer's own machine or in a build.",
        se: "Eai makkárge dáhkádusat: dát lea sadjásaš mii doaibmá ovdánahtti iežas dihtoris dahje huksenbarggus.",
    }
    notice {
        nb: "Varsel om endringer",
        nn: "Varsel om endringar",
        en: "Notice of change",
        se: "Dieđut rievdadusaid birra",
    }
    notice_development {
        nb: "Endringer kommer med nye versjoner av Portvakt og står i endringsloggen.",
        nn: "Endringar kjem med nye versjonar av Portvakt og står i endringsloggen.",
        en: "Changes come with new versions of Portvakt and are told in its changelog.",
        se: "Rievdadusat bohtet Portvakt ođđa veršuvnnain ja leat rievdaduslogas.",
    }
    audience {
        nb: "Hvem kan bruke tjenesten",
        nn: "Kven kan bruke tenesta",
        en: "Who may use the service",
        se: "Geat sáhttet geavahit bálvalusa",
    }
    audience_general {
        nb: "Registrerte tjenesteleverandører som har godtatt bruksvilkårene i versjon {terms}.",
        nn: "Registrerte tenesteleverandørar som har godteke bruksvilkåra i versjon {terms}.",
        en: "Registered service providers that have accepted version {terms} of the terms of use.",
        se: "Registrerejuvvon bálvalusfálaldeaddjit geat leat dohkkehan geavahaneavttuid veršuvnna {terms}.",
    }
    audience_development {
        nb: "Alle som når denne maskinen. Organisasjonene i katalogen har godtatt bruksvilkårene på forhånd.",
        nn: "Alle som når denne maskina. Organisasjonane i katalogen har godteke bruksvilkåra på førehand.",
        en: "Everybody who reaches this machine. The organisations in the catalogue have accepted the terms of use beforehand.",
        se: "Buohkat geat juvdet dán dihtora. Kataloga organisašuvnnat leat ovdagihtii dohkkehan geavahaneavttuid.",
    }
    registration {
        nb: "Slik registreres en klient",
        nn: "Slik blir ein klient registrert",
        en: "How a client is registered",
        se: "Ná registrerejuvvo klieanta",
    }
    registration_general {
        nb: "Den som driver tjenesten, registrerer klienter for organisasjonen din.",
        nn: "Den som driv tenesta, registrerer klientar for organisasjonen din.",
        en: "Whoever runs the service registers clients for your organisation.",
        se: "Bálvalusa doaimmaheaddji registrere klieanttaid du organisašuvdnii.",
    }
    registration_development {
        nb: "Start med en katalog eller med klienten på kommandolinjen:",
        nn: "Start med ein katalog eller med klienten på kommandolinja:",
        en: "Start with a catalogue, or with the client on the command line:",
        se: "Álgge katalogain dahje klieanttain gohččunlinjjás:",
    }
    contact {
        nb: "Kontakt",
        nn: "Kontakt",
        en: "Contact",
        se: "Oktavuohta",
    }
    contact_general {
        nb: "Ta kontakt med den som driver {name}.",
        nn: "Ta kontakt med den som driv {name}.",
        en: "Contact whoever runs {name}.",
        se: "Váldde oktavuođa singuin geat doaimmahit {name}.",
    }
    contact_development {
        nb: "Den som startet serveren. Alt som avvises, står i terminalen der den ble startet.",
        nn: "Den som starta tenaren. Alt som blir avvist, står i terminalen der han vart starta.",
        en: "Whoever started the server. All that is refused stands in the terminal where it was started.",
        se: "Son guhte álggahii bálvváža. Buot mii hilgojuvvo, lea terminálas gos dat álggahuvvui.",
    }
    developers {
        nb: "For utviklere",
        nn: "For utviklarar",
        en: "For developers",
        se: "Ovdánahttiide",
    }
    test_persons {
        nb: "Testpersoner",
        nn: "Testpersonar",
        en: "Test persons",
        se: "Teastaolbmot",
    }
    test_persons_any {
        nb: "Alle syntetiske numre kan brukes her. Blant dem som er registrert:",
        nn: "Alle syntetiske nummer kan brukast her. Blant dei som er registrerte:",
        en: "Any synthetic number can be used here. Among those registered:",
        se: "Buot syntehtalaš nummiriid sáhttá geavahit dáppe. Registrerejuvvon olbmuid gaskkas:",
    }
    test_persons_any_none {
        nb: "Alle syntetiske numre kan brukes her. Ingen er registrert på forhånd.",
        nn: "Alle syntetiske nummer kan brukast her. Ingen er registrerte på førehand.",
        en: "Any synthetic number can be used here. Nobody is registered beforehand.",
        se: "Buot syntehtalaš nummiriid sáhttá geavahit dáppe. Ii oktage leat ovdagihtii registrerejuvvon.",
    }
    test_persons_assigned {
        nb: "Bare personer som er registrert, kan logge inn her. Blant dem:",
        nn: "Berre personar som er registrerte, kan logge inn her. Blant dei:",
        en: "Only persons who are registered can log in here. Among them:",
        se: "Dušše olbmot geat leat registrerejuvvon, sáhttet čálit sisa dáppe. Sin gaskkas:",
    }
    test_persons_assigned_none {
        nb: "Bare personer som er registrert, kan logge inn her, og ingen er registrert ennå.",
        nn: "Berre personar som er registrerte, kan logge inn her, og ingen er registrerte enno.",
        en: "Only persons who are registered can log in here, and none is yet.",
        se: "Dušše olbmot geat leat registrerejuvvon, sáhttet čálit sisa dáppe, ja ii oktage leat vuos.",
    }
    headless {
        nb: "En test kan logge inn uten nettside, med denne parameteren i autorisasjonsforespørselen:",
        nn: "Ein test kan logge inn utan nettside, med denne parameteren i autorisasjonsførespurnaden:",
        en: "A test can log in without a page, with this parameter in its authorization request:",
        se: "Teasta sáhttá čálit sisa siidduid haga, dáinna parameteriin autorisašuvdnajearaldagas:",
    }
    lately {
        nb: "Avvist i det siste",
        nn: "Avvist i det siste",
        en: "Refused lately",
        se: "Hilgojuvvon maŋimuš áigge",
    }
    lately_none {
        nb: "Ingenting er avvist siden serveren startet.",
        nn: "Ingenting er avvist sidan tenaren starta.",
        en: "Nothing has been refused since the server started.",
        se: "Ii mihkkege leat hilgojuvvon maŋŋá go bálvvá álggahuvvui.",
    }
}
