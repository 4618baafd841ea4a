package profile

// countryTable has a line per country of ISO 3166-1: alpha-2 and alpha-3
// code, calling code if there is one, the English name, and other names that
// are in use for it.
const countryTable = `AD|AND|376|Andorra
AE|ARE|971|United Arab Emirates|UAE
AF|AFG|93|Afghanistan
AG|ATG|1|Antigua & Barbuda
AI|AIA|1|Anguilla
AL|ALB|355|Albania
AM|ARM|374|Armenia
AO|AGO|244|Angola
AQ|ATA||Antarctica
AR|ARG|54|Argentina
AS|ASM|1|American Samoa
AT|AUT|43|Austria|Österreich
AU|AUS|61|Australia
AW|ABW|297|Aruba
AX|ALA|358|Åland Islands
AZ|AZE|994|Azerbaijan
BA|BIH|387|Bosnia & Herzegovina
BB|BRB|1|Barbados
BD|BGD|880|Bangladesh
BE|BEL|32|Belgium|Belgique|België
BF|BFA|226|Burkina Faso
BG|BGR|359|Bulgaria
BH|BHR|973|Bahrain
BI|BDI|257|Burundi
BJ|BEN|229|Benin
BL|BLM|590|St. Barthélemy
BM|BMU|1|Bermuda
BN|BRN|673|Brunei|Brunei Darussalam
BO|BOL|591|Bolivia|Plurinational State of Bolivia
BQ|BES|599|Caribbean Netherlands
BR|BRA|55|Brazil|Brasil
BS|BHS|1|Bahamas
BT|BTN|975|Bhutan
BV|BVT||Bouvet Island
BW|BWA|267|Botswana
BY|BLR|375|Belarus
BZ|BLZ|501|Belize
CA|CAN|1|Canada
CC|CCK|61|Cocos Islands
CD|COD|243|DR Congo|Democratic Republic of the Congo|Congo - Kinshasa
CF|CAF|236|Central African Republic
CG|COG|242|Congo|Republic of the Congo|Congo - Brazzaville
CH|CHE|41|Switzerland|Schweiz|Suisse|Svizzera
CI|CIV|225|Côte d'Ivoire|Ivory Coast
CK|COK|682|Cook Islands
CL|CHL|56|Chile
CM|CMR|237|Cameroon
CN|CHN|86|China|PRC|People's Republic of China|中国
CO|COL|57|Colombia
CR|CRI|506|Costa Rica
CU|CUB|53|Cuba
CV|CPV|238|Cape Verde|Cabo Verde
CW|CUW|599|Curaçao
CX|CXR|61|Christmas Island
CY|CYP|357|Cyprus
CZ|CZE|420|Czechia|Czech Republic
DE|DEU|49|Germany|Deutschland
DJ|DJI|253|Djibouti
DK|DNK|45|Denmark|Danmark
DM|DMA|1|Dominica
DO|DOM|1|Dominican Republic
DZ|DZA|213|Algeria
EC|ECU|593|Ecuador
EE|EST|372|Estonia
EG|EGY|20|Egypt
EH|ESH|212|Western Sahara
ER|ERI|291|Eritrea
ES|ESP|34|Spain|España
ET|ETH|251|Ethiopia
FI|FIN|358|Finland|Suomi
FJ|FJI|679|Fiji
FK|FLK|500|Falkland Islands
FM|FSM|691|Micronesia|Federated States of Micronesia
FO|FRO|298|Faroe Islands
FR|FRA|33|France
GA|GAB|241|Gabon
GB|GBR|44|United Kingdom|UK|Great Britain|England|Scotland|Wales|Northern Ireland
GD|GRD|1|Grenada
GE|GEO|995|Georgia
GF|GUF|594|French Guiana
GG|GGY|44|Guernsey
GH|GHA|233|Ghana
GI|GIB|350|Gibraltar
GL|GRL|299|Greenland
GM|GMB|220|Gambia
GN|GIN|224|Guinea
GP|GLP|590|Guadeloupe
GQ|GNQ|240|Equatorial Guinea
GR|GRC|30|Greece|Hellas
GS|SGS||South Georgia & South Sandwich Islands
GT|GTM|502|Guatemala
GU|GUM|1|Guam
GW|GNB|245|Guinea-Bissau
GY|GUY|592|Guyana
HK|HKG|852|Hong Kong|Hong Kong SAR China
HM|HMD||Heard & McDonald Islands
HN|HND|504|Honduras
HR|HRV|385|Croatia
HT|HTI|509|Haiti
HU|HUN|36|Hungary|Magyarország
ID|IDN|62|Indonesia
IE|IRL|353|Ireland|Republic of Ireland|Éire
IL|ISR|972|Israel
IM|IMN|44|Isle of Man
IN|IND|91|India|Bharat
IO|IOT|246|British Indian Ocean Territory
IQ|IRQ|964|Iraq
IR|IRN|98|Iran|Islamic Republic of Iran
IS|ISL|354|Iceland|Ísland
IT|ITA|39|Italy|Italia
JE|JEY|44|Jersey
JM|JAM|1|Jamaica
JO|JOR|962|Jordan
JP|JPN|81|Japan|日本
KE|KEN|254|Kenya
KG|KGZ|996|Kyrgyzstan
KH|KHM|855|Cambodia
KI|KIR|686|Kiribati
KM|COM|269|Comoros
KN|KNA|1|St. Kitts & Nevis
KP|PRK|850|North Korea|DPRK
KR|KOR|82|South Korea|Korea|Republic of Korea
KW|KWT|965|Kuwait
KY|CYM|1|Cayman Islands
KZ|KAZ|7|Kazakhstan
LA|LAO|856|Laos|Lao PDR
LB|LBN|961|Lebanon
LC|LCA|1|St. Lucia
LI|LIE|423|Liechtenstein
LK|LKA|94|Sri Lanka
LR|LBR|231|Liberia
LS|LSO|266|Lesotho
LT|LTU|370|Lithuania
LU|LUX|352|Luxembourg
LV|LVA|371|Latvia
LY|LBY|218|Libya
MA|MAR|212|Morocco
MC|MCO|377|Monaco
MD|MDA|373|Moldova|Republic of Moldova
ME|MNE|382|Montenegro
MF|MAF|590|St. Martin
MG|MDG|261|Madagascar
MH|MHL|692|Marshall Islands
MK|MKD|389|North Macedonia|Macedonia
ML|MLI|223|Mali
MM|MMR|95|Myanmar|Burma
MN|MNG|976|Mongolia
MO|MAC|853|Macao|Macau|Macau SAR China
MP|MNP|1|Northern Mariana Islands
MQ|MTQ|596|Martinique
MR|MRT|222|Mauritania
MS|MSR|1|Montserrat
MT|MLT|356|Malta
MU|MUS|230|Mauritius
MV|MDV|960|Maldives
MW|MWI|265|Malawi
MX|MEX|52|Mexico|México
MY|MYS|60|Malaysia
MZ|MOZ|258|Mozambique
NA|NAM|264|Namibia
NC|NCL|687|New Caledonia
NE|NER|227|Niger
NF|NFK|672|Norfolk Island
NG|NGA|234|Nigeria
NI|NIC|505|Nicaragua
NL|NLD|31|Netherlands|Holland|The Netherlands|Nederland
NO|NOR|47|Norway|Norge
NP|NPL|977|Nepal
NR|NRU|674|Nauru
NU|NIU|683|Niue
NZ|NZL|64|New Zealand|Aotearoa
OM|OMN|968|Oman
PA|PAN|507|Panama
PE|PER|51|Peru
PF|PYF|689|French Polynesia
PG|PNG|675|Papua New Guinea
PH|PHL|63|Philippines
PK|PAK|92|Pakistan
PL|POL|48|Poland|Polska
PM|SPM|508|St. Pierre & Miquelon
PN|PCN||Pitcairn Islands
PR|PRI|1|Puerto Rico
PS|PSE|970|Palestine|Palestinian Territories|State of Palestine
PT|PRT|351|Portugal
PW|PLW|680|Palau
PY|PRY|595|Paraguay
QA|QAT|974|Qatar
RE|REU|262|Réunion
RO|ROU|40|Romania
RS|SRB|381|Serbia
RU|RUS|7|Russia|Russian Federation
RW|RWA|250|Rwanda
SA|SAU|966|Saudi Arabia
SB|SLB|677|Solomon Islands
SC|SYC|248|Seychelles
SD|SDN|249|Sudan
SE|SWE|46|Sweden|Sverige
SG|SGP|65|Singapore
SH|SHN|290|St. Helena
SI|SVN|386|Slovenia
SJ|SJM|47|Svalbard & Jan Mayen
SK|SVK|421|Slovakia
SL|SLE|232|Sierra Leone
SM|SMR|378|San Marino
SN|SEN|221|Senegal
SO|SOM|252|Somalia
SR|SUR|597|Suriname
SS|SSD|211|South Sudan
ST|STP|239|São Tomé & Príncipe
SV|SLV|503|El Salvador
SX|SXM|1|Sint Maarten
SY|SYR|963|Syria|Syrian Arab Republic
SZ|SWZ|268|Eswatini|Swaziland
TC|TCA|1|Turks & Caicos Islands
TD|TCD|235|Chad
TF|ATF||French Southern Territories
TG|TGO|228|Togo
TH|THA|66|Thailand
TJ|TJK|992|Tajikistan
TK|TKL|690|Tokelau
TL|TLS|670|Timor-Leste|East Timor
TM|TKM|993|Turkmenistan
TN|TUN|216|Tunisia
TO|TON|676|Tonga
TR|TUR|90|Turkey|Türkiye|Turkiye
TT|TTO|1|Trinidad & Tobago
TV|TUV|688|Tuvalu
TW|TWN|886|Taiwan|Taiwan, Province of China
TZ|TZA|255|Tanzania|United Republic of Tanzania
UA|UKR|380|Ukraine
UG|UGA|256|Uganda
UM|UMI||US Minor Outlying Islands
US|USA|1|United States|USA|United States of America|America|U.S.|U.S.A.
UY|URY|598|Uruguay
UZ|UZB|998|Uzbekistan
VA|VAT|39|Vatican City|Holy See
VC|VCT|1|St. Vincent & Grenadines
VE|VEN|58|Venezuela|Bolivarian Republic of Venezuela
VG|VGB|1|British Virgin Islands
VI|VIR|1|U.S. Virgin Islands
VN|VNM|84|Vietnam|Viet Nam
VU|VUT|678|Vanuatu
WF|WLF|681|Wallis & Futuna
WS|WSM|685|Samoa
YE|YEM|967|Yemen
YT|MYT|262|Mayotte
ZA|ZAF|27|South Africa|RSA
ZM|ZMB|260|Zambia
ZW|ZWE|263|Zimbabwe
`

// currencyTable has the codes of ISO 4217, and those that were withdrawn in
// the last years.
const currencyTable = `AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BOV BRL BSD BTN BWP
BYN BZD CAD CDF CHE CHF CHW CLF CLP CNY COP COU CRC CUC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB
EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HRK HTG HUF IDR ILS INR IQD IRR ISK JMD JOD
JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRO
MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON
RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SLL SOS SRD SSP STN SYP SZL THB TJS TMT TND TOP TRY
TTD TWD TZS UAH UGX USD USN UYU UYW UZS VED VEF VES VND VUV WST XAF XAG XAU XCD XCG XDR XOF XPF
YER ZAR ZMW ZWG
`
