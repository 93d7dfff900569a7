BEGIN TRANSACTION;
CREATE TABLE features (
	extractor VARCHAR(128) NOT NULL, 
	picture VARCHAR(64) NOT NULL, 
	vector BLOB NOT NULL, 
	PRIMARY KEY (extractor, picture)
);
INSERT INTO "features" VALUES('efficientnet_lite0 5c1f pool 224px of 256 bicubic float32','0000000000000000000000000000000000000000000000000000000000000000',X'0000803F');
CREATE TABLE runs (
	id VARCHAR(32) NOT NULL, 
	kind VARCHAR(32) NOT NULL, 
	title TEXT NOT NULL, 
	state VARCHAR(16) NOT NULL, 
	spec JSON NOT NULL, 
	progress JSON NOT NULL, 
	result JSON NOT NULL, 
	environment JSON NOT NULL, 
	error TEXT NOT NULL, 
	worker TEXT NOT NULL, 
	attempt INTEGER NOT NULL, 
	stop_requested FLOAT, 
	beat FLOAT, 
	created FLOAT NOT NULL, 
	started FLOAT, 
	ended FLOAT, 
	PRIMARY KEY (id)
);
INSERT INTO "runs" VALUES('0123456789ab','transfer','cats and dogs','done','{"items": [["0000000000000000000000000000000000000000000000000000000000000000", "cat", "cat0.png", ""], ["0101010101010101010101010101010101010101010101010101010101010101", "cat", "cat1.png", ""], ["0202020202020202020202020202020202020202020202020202020202020202", "cat", "cat2.png", ""], ["0303030303030303030303030303030303030303030303030303030303030303", "cat", "cat3.png", ""], ["0404040404040404040404040404040404040404040404040404040404040404", "cat", "cat4.png", ""], ["0505050505050505050505050505050505050505050505050505050505050505", "cat", "cat5.png", ""], ["0606060606060606060606060606060606060606060606060606060606060606", "dog", "dog6.png", ""], ["0707070707070707070707070707070707070707070707070707070707070707", "dog", "dog7.png", ""], ["0808080808080808080808080808080808080808080808080808080808080808", "dog", "dog8.png", ""], ["0909090909090909090909090909090909090909090909090909090909090909", "dog", "dog9.png", ""], ["0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a", "dog", "dog10.png", ""], ["0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "dog", "dog11.png", ""]], "options": {"arms": ["frozen", "fine_tuned"], "backbone": "efficientnet_lite0", "epochs": 2, "batch_size": 16, "head_learning_rate": 0.001, "fine_tune_learning_rate": 0.0001, "unfreeze_blocks": 4, "augment": false, "seed": 0}, "source": "pets"}','{"phase": "head", "fraction": 0.5, "curves": {}}','{"classes": ["cat", "dog"], "split_sizes": {"train": 8, "validation": 2, "test": 2}, "notes": [], "arms": {"frozen": {"error": "The loss became nan in epoch 1. Choose a lower learning rate."}}, "seconds": 3.5}','{"keras": "3.15.1", "tensorflow": "2.21.0"}','','tls://127.0.0.1:4001',1,NULL,1795600004.5,1795600001.5,1795600003.0,1795600006.0);
INSERT INTO "runs" VALUES('1123456789ab','lenet','LeNet-5 on the digits','running','{"epochs": 15, "batch_size": 32, "learning_rate": 0.001, "shift": 2, "seed": 0}','{"phase": "training", "fraction": 0.25}','{}','{}','','command line, process 77',1,NULL,1795600010.5,1795600007.5,1795600009.0,NULL);
INSERT INTO "runs" VALUES('2123456789ab','transfer','waiting','queued','{"items": [["0000000000000000000000000000000000000000000000000000000000000000", "cat", "cat0.png", ""], ["0101010101010101010101010101010101010101010101010101010101010101", "cat", "cat1.png", ""], ["0202020202020202020202020202020202020202020202020202020202020202", "cat", "cat2.png", ""], ["0303030303030303030303030303030303030303030303030303030303030303", "cat", "cat3.png", ""], ["0404040404040404040404040404040404040404040404040404040404040404", "cat", "cat4.png", ""], ["0505050505050505050505050505050505050505050505050505050505050505", "cat", "cat5.png", ""], ["0606060606060606060606060606060606060606060606060606060606060606", "dog", "dog6.png", ""], ["0707070707070707070707070707070707070707070707070707070707070707", "dog", "dog7.png", ""], ["0808080808080808080808080808080808080808080808080808080808080808", "dog", "dog8.png", ""], ["0909090909090909090909090909090909090909090909090909090909090909", "dog", "dog9.png", ""], ["0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a", "dog", "dog10.png", ""], ["0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "dog", "dog11.png", ""]], "options": {"arms": ["frozen", "fine_tuned"], "backbone": "efficientnet_lite0", "epochs": 2, "batch_size": 16, "head_learning_rate": 0.001, "fine_tune_learning_rate": 0.0001, "unfreeze_blocks": 4, "augment": false, "seed": 0}, "source": "pets"}','{}','{}','{}','','',0,NULL,NULL,1795600012.0,NULL,NULL);
INSERT INTO "runs" VALUES('3123456789ab','lab','stopped','stopped','{"items": [["0000000000000000000000000000000000000000000000000000000000000000", "cat", "cat0.png", ""], ["0101010101010101010101010101010101010101010101010101010101010101", "cat", "cat1.png", ""], ["0202020202020202020202020202020202020202020202020202020202020202", "cat", "cat2.png", ""], ["0303030303030303030303030303030303030303030303030303030303030303", "cat", "cat3.png", ""], ["0404040404040404040404040404040404040404040404040404040404040404", "cat", "cat4.png", ""], ["0505050505050505050505050505050505050505050505050505050505050505", "cat", "cat5.png", ""], ["0606060606060606060606060606060606060606060606060606060606060606", "dog", "dog6.png", ""], ["0707070707070707070707070707070707070707070707070707070707070707", "dog", "dog7.png", ""], ["0808080808080808080808080808080808080808080808080808080808080808", "dog", "dog8.png", ""], ["0909090909090909090909090909090909090909090909090909090909090909", "dog", "dog9.png", ""], ["0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a", "dog", "dog10.png", ""], ["0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "dog", "dog11.png", ""]], "options": {"kind": "labels"}, "source": "pets"}','{}','{}','{}','Stopped.','tls://127.0.0.1:4002',1,NULL,1795600015.0,1795600013.5,1795600015.0,1795600016.5);
CREATE INDEX ix_runs_state ON runs (state);
COMMIT;
